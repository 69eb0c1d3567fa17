"""The list of the product's processes: each is a command that exists, in an order that ends well."""

import subprocess

from platform_dev.product import FRANKPOST, product_commands


def test_every_process_is_a_command_of_the_product() -> None:
    known = subprocess.run([FRANKPOST, "--help"], capture_output=True, text=True, check=True).stdout.split()
    processes = {str(command.arguments[1]) for command in product_commands({})}
    assert processes == {"web", "relay", "worker", "jobs", "cron"}
    assert processes <= set(known)


def test_mail_is_let_in_after_and_until_before_it_can_be_worked_off() -> None:
    names = [command.name for command in product_commands({}, workers=3)]
    assert names == ["worker-1", "worker-2", "worker-3", "jobs", "cron", "relay", "web"]


def test_each_gets_the_environment() -> None:
    assert all(command.environment == {"A": "b"} for command in product_commands({"A": "b"}))
