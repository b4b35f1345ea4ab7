"""What every page shares: its dataclass and its rendering, sessions, forms, and the rules of the browser."""
