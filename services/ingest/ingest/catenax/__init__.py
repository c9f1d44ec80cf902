"""Catena-X messages taken, kept, shown and, where a partner lets them, put onto the open market."""
