"""What watches data all year: windows as they complete, how healthy each is, and what a fall of a model costs."""
