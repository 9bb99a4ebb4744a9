"""Lints and renders the Helm chart with Helm's own code, and holds the objects to Kubernetes'
schemas.

    render.py CHART < CASES

CASES: JSON, values by the name of a case. Prints JSON: for each case the findings of `helm lint`,
and either the error or the objects and the notes.
"""

import json
import pathlib
import re
import sys

import helm_python
import kubernetes_validate
import yaml
from helm_python.chart import Chart, lint

# The oldest that the chart supports, and one that is newer
VERSIONS = ("1.30", "1.34")
NOTES = "NOTES.txt"


def objects_of(manifests):
    texts = [text for path, text in manifests.items() if not path.endswith(NOTES)]
    return [found for text in texts for found in yaml.safe_load_all(text) if found]


def validate(objects):
    for found in objects:
        if "monitoring.coreos.com" in found["apiVersion"]:
            continue
        for version in VERSIONS:
            kubernetes_validate.validate(found, version, strict=True)


def rendered(chart, folder, values):
    report = lint(folder, values, strict=True, kube_version="v1.30.0")
    findings = [message["error"] for message in report["messages"] if message["severity"] > 1]
    try:
        chart.validate_schema(chart.merge_values(values))
        manifests = chart.render(values, name="authseal", namespace="backup", is_install=True)
    except helm_python.HelmError as error:
        return {"lint": findings, "error": str(error)}
    objects = objects_of(manifests)
    validate(objects)
    notes = next(text for path, text in manifests.items() if path.endswith(NOTES))
    return {"lint": findings, "objects": objects, "notes": notes}


def paths(values, before=""):
    """Every path in values.yaml that has no more below it."""
    for name, value in values.items():
        path = f"{before}.{name}"
        yield from paths(value, path) if isinstance(value, dict) and value else [path]


def unmatched(chart, folder):
    """Values that only a template names, or only values.yaml."""
    templates = "".join(path.read_text() for path in (folder / "templates").iterdir())
    named = set(re.findall(r"\.Values((?:\.[A-Za-z]+)+)", templates))
    declared = set(paths(chart.values))
    # `toYaml .Values.resources` takes what is below.
    below = {path for path in declared for name in named if path.startswith(name + ".")}
    above = {name for name in named for path in declared if path.startswith(name + ".")}
    return sorted((declared - named - below) | (named - declared - above))


def main():
    folder = pathlib.Path(sys.argv[1])
    chart = Chart.load(folder)
    cases = {name: rendered(chart, folder, values) for name, values in json.load(sys.stdin).items()}
    about = {"version": chart.version, "metadata": chart.metadata, "unmatched": unmatched(chart, folder)}
    json.dump({"cases": cases, **about}, sys.stdout, default=str)


main()
