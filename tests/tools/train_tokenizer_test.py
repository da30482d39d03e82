"""The built-in model's tokenizer, learned again from its corpus: the committed files, byte for byte.

    train_tokenizer_test.py LINNET
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-B", ROOT / "tools/builtin_model/train_tokenizer.py", "--seed", "7", "--documents",
                        "30000", "--linnet", sys.argv[1], "--out", folder], check=True)
        different = [name for name in ("tokenizer.json", "tokenizer_config.json")
                     if (Path(folder) / name).read_bytes() != (ROOT / "assets/builtin" / name).read_bytes()]
    print("different:", different)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
