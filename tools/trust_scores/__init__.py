"""How often the checks of trust doubt a sound session, and how often they trust an unsound one."""
