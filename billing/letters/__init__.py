"""Mail of our own to customers, in the reseller's name: written from a folder of templates, sent through our own relay."""
