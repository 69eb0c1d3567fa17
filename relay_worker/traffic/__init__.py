"""What destinations bear: the rules that staff keep, and how lanes stand."""
