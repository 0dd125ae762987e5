"""What a page sends to a widget of ours."""


def say(widget, **content):
    """Have a widget hear a message, as its page sends it."""
    data = {"method": "custom", "content": content}
    widget.comm.handle_msg({"content": {"data": data}, "buffers": []})
