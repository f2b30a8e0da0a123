raise ImportError("not written yet")
