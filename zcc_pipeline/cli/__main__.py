"""``python -m zcc_pipeline.cli`` is ``zcc`` for processes that this program starts itself."""

from zcc_pipeline.cli.main import main

if __name__ == "__main__":
    main()
