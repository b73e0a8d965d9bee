"""The compiled model: a controller and its devices, command by command."""
