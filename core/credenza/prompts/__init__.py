"""One file per question asked of the user: its rule, its page and its form together."""
