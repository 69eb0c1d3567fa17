"""What a reseller's people see: host routing and the branded portal."""
