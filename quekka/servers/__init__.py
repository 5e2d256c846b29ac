"""Sockets: who listens, who speaks which protocol, and what each request does to the broker."""
