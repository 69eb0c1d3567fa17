"""The page behind the unsubscribe link, and the one-click post (RFC 8058)."""
