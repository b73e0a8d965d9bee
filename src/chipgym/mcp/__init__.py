"""A server of the Model Context Protocol, through which language models and other clients search.

`server` speaks the protocol and is the one module that imports the `mcp` package; `tools` says what there is to call.
"""
