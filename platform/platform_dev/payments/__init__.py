"""The payment server of demo and tests: answers Stripe's own library, has pages to click on, and sends signed webhooks."""
