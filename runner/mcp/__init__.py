"""What an assistant may ask: the figures of the commands as read-only tools of the Model Context Protocol."""
