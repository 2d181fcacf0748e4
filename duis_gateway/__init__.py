"""A gateway between energy suppliers, CSPs and DCC for Communications Hub firmware (SECMP0024)."""

__version__ = "0.1.0"
