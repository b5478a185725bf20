"""What the pages and the command line ask about contexts: put back in situ, attention, backbones."""
