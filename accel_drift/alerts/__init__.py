"""From what reports say to people who must know: rules, alerts that open and end, messages that are not lost."""
