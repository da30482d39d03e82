"""Trees that break the rule of the floors, and one that keeps it."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools" / "check_floors.py"

GOOD = {
    "src/base/a.hpp": "#include <linnet/error.hpp>\n#include <simdjson.h>\n#include <vector>\n",
    "src/io/b.cpp": '#include "io/b.hpp"\n\n#include "base/a.hpp"\n#include "hwy/highway.h"\n',
    "src/io/b.hpp": '#include  "base/a.hpp"\n',
    "include/linnet/error.hpp": "#include <string>\n#include <stdint.h>\n",
    "include/linnet/linnet.hpp": "#include <linnet/error.hpp>\n",
}


class CheckFloors(unittest.TestCase):
    def run_on(self, extra):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {**GOOD, **extra}.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return subprocess.run(
                [sys.executable, TOOL, folder], capture_output=True, text=True, check=False
            )

    def expect(self, extra, line):
        result = self.run_on(extra)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn(line, result.stdout)

    def test_accepts_includes_that_point_down(self):
        result = self.run_on({})
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("5 files checked, 0 includes", result.stdout)

    def test_refuses_a_higher_floor(self):
        self.expect({"src/base/x.cpp": '\n#include "io/b.hpp"\n'}, "src/base/x.cpp:2: base (floor 0)")
        self.expect({"src/base/x.cpp": "#include <io/b.hpp>\n"}, "src/base/x.cpp:1:")
        self.expect({"src/array/x.cu": ' # include "ops/y.hpp"\n'}, "src/array/x.cu:1:")

    def test_refuses_a_folder_of_equal_height(self):
        self.expect({"src/text/x.cpp": '#include "io/b.hpp"\n'}, "src/text/x.cpp:1: text (floor 4)")

    def test_refuses_relative_paths(self):
        self.expect({"src/base/x.cpp": '#include "../io/b.hpp"\n'}, 'write "io/b.hpp"')
        self.expect({"src/base/x.cpp": '#include "a.hpp"\n'}, 'write "base/a.hpp"')

    def test_refuses_unknown_folders(self):
        self.expect({"src/misc/x.cpp": "\n"}, '"misc" is no floor')

    def test_keeps_public_headers_clean(self):
        for include in ('"base/a.hpp"', "<base/a.hpp>", "<fmt/format.h>", "<linnet/absent.hpp>"):
            self.expect(
                {"include/linnet/x.hpp": f"#pragma once\n#include {include}\n"},
                "include/linnet/x.hpp:2: a public header includes",
            )

    def test_refuses_an_empty_tree(self):
        with tempfile.TemporaryDirectory() as folder:
            result = subprocess.run(
                [sys.executable, TOOL, folder], capture_output=True, check=False
            )
            self.assertEqual(result.returncode, 1)


if __name__ == "__main__":
    unittest.main()
