"""Writes the CloudFormation template that SAM makes of the template on standard input, as JSON.

Mistakes in functions, above all in their policies, show only in this template: linters do not read what SAM
rewrites."""

import json
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    """Finds no managed policies by name, which needs an account. The policies that SAM adds are built in."""

    def load(self):
        return {}


template = yaml_parse(sys.stdin.read())
# `sam build` puts the address of the packaged code here. Any address is valid.
template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
json.dump(transform(template, {}, NoManagedPolicies()), sys.stdout, indent=2)
