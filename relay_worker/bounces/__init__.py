"""What mail servers say: replies, delivery reports and complaints, and what each means for the address."""
