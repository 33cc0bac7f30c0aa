"""Changes the built template into one that the emulator accepts: reads it on standard input, writes to standard output.

Each gap of the emulator is a rule that finds the resources it concerns. Standard error names what each rule changed,
and why. A rule that finds nothing is an error: the emulator has closed the gap, or the rule is wrong."""

import copy
import sys

from samcli.yamlhelper import yaml_dump, yaml_parse


def metric_math(resources):
    """alarms over several metrics are removed, because the emulator refuses `Metrics`"""
    alarms = {name for name, it in resources.items() if it["Type"] == "AWS::CloudWatch::Alarm"}
    return [resources.pop(name) and name for name in sorted(alarms) if "Metrics" in resources[name]["Properties"]]


def empty_segment(resources):
    """routes with a trailing slash are added, because greedy variables do not match an empty segment there"""
    routes = {name for name, it in resources.items() if it["Type"] == "AWS::ApiGatewayV2::Route"}
    greedy = [name for name in sorted(routes) if resources[name]["Properties"]["RouteKey"].endswith("/{proxy+}")]
    for name in greedy:
        twin = copy.deepcopy(resources[name])
        twin["Properties"]["RouteKey"] = twin["Properties"]["RouteKey"].removesuffix("{proxy+}")
        resources[f"{name}Slash"] = twin
    return greedy


GAPS = [metric_math, empty_segment]

template = yaml_parse(sys.stdin.read())
for gap in GAPS:
    found = gap(template["Resources"])
    if not found:
        sys.exit(f"emulated.py: {gap.__name__} finds nothing to change: {gap.__doc__}")
    print(f"gap: {gap.__doc__}: {', '.join(found)}", file=sys.stderr)
sys.stdout.write(yaml_dump(template))
