"""What can be bought: each good says what it costs, delivers itself, and comes back when its payment does."""
