"""quekkad(8): the broker's command line. It reads options and settings, and hands them to quekka.daemon."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import click

from quekka.cli.common import CONTEXT_SETTINGS, Exit, Program, complain, offline_options, quekka_command
from quekka.config_file import check, read_assignments, read_config_file, read_environment
from quekka.daemon_config import ALL_SETTINGS, INSECURE_FLAG, DaemonConfig, describe_settings
from quekka.errors import InvalidConfigError
from quekka.log_format import FORMATS, LEVELS


@click.command("quekkad", cls=Program, context_settings=CONTEXT_SETTINGS)
@click.option("--listen", multiple=True, metavar="HOST:PORT[,protocols=P]", help="Listen here; repeatable.")
@click.option("--port", type=click.IntRange(0, 65535), help="Listen on 127.0.0.1; 0 takes a free port.")
@click.option("--data-dir", metavar="DIR", help="Where the data lies.  [default: ./data]")
@click.option("--config", metavar="FILE", help="Read settings from FILE; see quekka.conf(5).")
@click.option(
    "--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Change one setting; repeatable."
)
@click.option("--log-level", type=click.Choice(LEVELS), help="Write this and worse.  [default: info]")
@click.option("--log-format", type=click.Choice(FORMATS), help="How to write the log.  [default: text]")
@click.option(
    INSECURE_FLAG,
    "insecure",
    is_flag=True,
    help="Let other machines connect, without authentication.",
)
@click.option("--check-config", is_flag=True, help="Show the settings it would run with, and exit.")
@click.option("--print-settings", is_flag=True, help="Explain all settings as a --config file, and exit.")
@offline_options
@quekka_command
def main(
    *,
    listen: tuple[str, ...],
    port: int | None,
    data_dir: str | None,
    config: str | None,
    assignments: tuple[str, ...],
    log_level: str | None,
    log_format: str | None,
    insecure: bool,
    check_config: bool,
    print_settings: bool,
) -> None:
    """Run the Quekka broker until SIGTERM or SIGINT.

    It says on standard output when it is ready and on which address; its log goes to standard error.
    """
    if print_settings:
        click.echo("\n".join(describe_settings()))
        return
    if listen and port is not None:
        raise click.UsageError("--port and --listen exclude each other: --listen 127.0.0.1:PORT says both")
    by_option = {
        ("--listen", "listeners"): " ".join(listen) if listen else None,
        ("--port", "listeners"): None if port is None else f"127.0.0.1:{port}",
        ("--data-dir", "log.dir"): data_dir,
        ("--log-level", "logging.level"): log_level,
        ("--log-format", "logging.format"): log_format,
        (INSECURE_FLAG, "insecure.listen.anywhere"): "true" if insecure else None,
    }
    try:
        settings = _read_settings(config, assignments, by_option)
    except InvalidConfigError as error:
        _fail(error.message, Exit.USAGE)
    if check_config:
        click.echo("\n".join(settings.show()))
    else:
        _run(settings)


def _read_settings(
    config: str | None, assignments: tuple[str, ...], by_option: Mapping[tuple[str, str], str | None]
) -> DaemonConfig:
    return DaemonConfig.combine(
        {} if config is None else read_config_file(Path(config), ALL_SETTINGS),
        read_environment(os.environ, ALL_SETTINGS),
        read_assignments(assignments, "--set", ALL_SETTINGS),
        {
            name: check(name, text, option, ALL_SETTINGS)
            for (option, name), text in by_option.items()
            if text is not None
        },
    )


def _run(settings: DaemonConfig) -> None:
    from quekka.daemon import run_daemon
    from quekka.servers.tcp_server import ListenError

    try:
        run_daemon(settings, click.echo)
    except ListenError as error:
        _fail(str(error), Exit.CANNOT_LISTEN)


def _fail(message: str, code: Exit) -> NoReturn:
    """End with a code that only quekkad has for this; `quekka_command` knows all others."""
    complain(message)
    click.get_current_context().exit(code)
