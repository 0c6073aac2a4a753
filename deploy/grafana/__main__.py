"""`python -m deploy.grafana` writes `dashboards/*.json`."""

from deploy.grafana.writing import FOLDER, files

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text)
