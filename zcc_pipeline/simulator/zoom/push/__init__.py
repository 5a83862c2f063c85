"""The stand-in's pushing side: events made from the account, and everything that sends them."""
