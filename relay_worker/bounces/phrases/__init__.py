"""How mail servers word what they mean, by what they speak of; `order` says which words outweigh which."""
