"""Real functions: of which modules, and what drives them besides their doctests."""

from __future__ import annotations

from typing import Final, NamedTuple


class Corpus(NamedTuple):
    """Modules (``a.*``: a package with what is in it) and modules of tests; what is not installed is left out."""

    modules: tuple[str, ...]
    tests: tuple[str, ...] = ()


_STANDARD: Final = (
    *("ast", "base64", "calendar", "cgi", "colorsys", "dataclasses", "difflib", "dis", "enum", "filecmp", "fnmatch"),
    *("functools", "genericpath", "getopt", "gettext", "glob", "gzip", "inspect", "ipaddress", "linecache", "locale"),
    *("mimetypes", "ntpath", "pickletools", "pkgutil", "platform", "plistlib", "posixpath", "pprint", "pstats"),
    *("pyclbr", "quopri", "shutil", "smtplib", "sndhdr", "statistics", "stringprep", "sysconfig", "tempfile"),
    *("textwrap", "traceback", "types", "typing", "zipapp", "aifc"),
)

CORPORA: Final[dict[str, Corpus]] = {
    "more_itertools": Corpus(("more_itertools.more", "more_itertools.recipes")),
    "toolz": Corpus(
        ("toolz.itertoolz", "toolz.functoolz", "toolz.dicttoolz", "toolz.recipes", "toolz.utils", "toolz._signatures"),
        ("toolz.tests.test_itertoolz", "toolz.tests.test_functoolz", "toolz.tests.test_dicttoolz"),
    ),
    "boltons": Corpus(("boltons.*",)),
    "packaging": Corpus(("packaging.*",)),
    "tomlkit": Corpus(("tomlkit.*",)),
    "mpmath": Corpus(("mpmath.libmp.*",)),
    "sympy.polys": Corpus(("sympy.polys.*",)),
    "sympy": Corpus(("sympy.utilities.*", "sympy.core.*", "sympy.matrices.*", "sympy.functions.*")),
    **{name: Corpus((name,), (f"test.test_{name}",)) for name in _STANDARD},
    "re": Corpus(("re", "re._parser", "re._compiler", "re._casefix"), ("test.test_re",)),
    "email": Corpus(
        ("email.*", "email._header_value_parser"),
        (
            *("test.test_email.test_email", "test.test_email.test__header_value_parser", "test.test_email.test_utils"),
            *("test.test_email.test_headerregistry", "test.test_email.test__encoded_words"),
        ),
    ),
    "urllib": Corpus(("urllib.parse", "urllib.request"), ("test.test_urlparse", "test.test_urllib")),
    "http": Corpus(("http.cookies", "http.cookiejar"), ("test.test_http_cookies", "test.test_http_cookiejar")),
    "xml": Corpus(
        ("xml.sax.saxutils", "xml.etree.ElementTree", "xml.etree.ElementPath", "xml.dom.minidom"),
        ("test.test_sax", "test.test_xml_etree", "test.test_minidom"),
    ),
    "importlib": Corpus(
        ("importlib.util", "importlib.metadata._itertools", "importlib.metadata._functools", "importlib.metadata"),
        ("test.test_importlib.test_util", "test.test_importlib.test_main", "test.test_importlib.test_metadata_api"),
    ),
    "encodings": Corpus(("encodings.*",), ("test.test_codecs",)),
    "tomllib": Corpus(("tomllib._parser", "tomllib._re"), ("test.test_tomllib",)),
    "lib2to3": Corpus(
        ("lib2to3.fixer_util", "lib2to3.pytree", "lib2to3.patcomp", "lib2to3.btm_utils", "lib2to3.pgen2.tokenize"),
        ("lib2to3.tests.test_fixers", "lib2to3.tests.test_util", "lib2to3.tests.test_pytree"),
    ),
    "idlelib": Corpus(
        ("idlelib.format", "idlelib.calltip", "idlelib.pyparse"),
        ("idlelib.idle_test.test_format", "idlelib.idle_test.test_calltip"),
    ),
    "wsgiref": Corpus(("wsgiref.util", "wsgiref.headers", "wsgiref.validate"), ("test.test_wsgiref",)),
    "doctest": Corpus(("doctest",), ("test.test_doctest.test_doctest", "test.test_doctest")),
    "strptime": Corpus(("_strptime",), ("test.test_strptime",)),
}
FIXED: Final = ("more_itertools", "toolz", "boltons", "ntpath", "tomllib", "pickletools")
"""What every run of the tests goes through; of the standard library only where Python came with its own tests."""
