"""What a machine tells of itself under ``/sys`` and ``/proc``; readers take a root, so that tests make trees."""
