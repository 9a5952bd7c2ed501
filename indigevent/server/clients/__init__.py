"""Clients: who is let in, served by a greenlet each, told what they may not do, and sent away."""
