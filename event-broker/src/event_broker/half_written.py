"""Whether a document breaks off, so that its writer may still be at it, or is wrong as far as it goes."""

import json
import re
from codecs import getincrementaldecoder
from typing import Final

_TORN_OFF: Final = re.compile(
    r"""
      \s*                                                        # between two things
    | "(?:[^"\\]|\\.)*\\?                                        # in a text
    | u[0-9a-fA-F]{0,4}                                          # in an escape
    | t(?:ru?)? | f(?:a(?:ls?)?)? | n(?:ul?)?                    # in a word
    | - | \. | [eE][+-]?                                         # in a number
    """,
    re.VERBOSE | re.DOTALL,
)
"""What may be left from where the parser gave up."""


def breaks_off(raw: bytes) -> bool:
    """Whether more bytes could make a JSON object of these; true of none at all."""
    try:
        text = getincrementaldecoder("utf-8")().decode(raw).lstrip()
        json.loads(text or "{")
    except json.JSONDecodeError as error:
        return error.doc.startswith("{") and _TORN_OFF.fullmatch(error.doc, error.pos) is not None
    except (ValueError, RecursionError):
        return False
    return not text
