"""How is the program started as a module? `python -m assetwatch` is the console script."""

from assetwatch.cli.main import main

main()
