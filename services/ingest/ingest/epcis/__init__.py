"""EPCIS: documents are captured in one transaction with what they do to stock and to dockings."""
