"""`gitops run`: the program in the cluster. It reconciles GitSyncs, runs operations, or both."""

from __future__ import annotations

import click

from gitops_cli import _edge, _shell

HALVES = ("reconciler", "worker")


@click.command(
    epilog="""\
\b
Examples:
  gitops run --worker worker --namespace gitops-worker              both halves, in one process
  gitops run reconciler --worker worker --namespace gitops-worker   the half that follows Git
  gitops run worker --worker worker --namespace gitops-worker       the half that runs operations

It is started by the Deployments a Worker expands to. Of several replicas one is active, the others stand by.
SIGTERM ends it; running operations go on and the next process takes them over.
"""
)
@click.argument("half", required=False, default="", type=click.Choice(["", *HALVES]), metavar="[reconciler|worker]")
@click.option("--worker", required=True, metavar="NAME", help="The Worker object this process serves.")
@click.option("--logs", "log_directory", default="/var/lib/gitops/logs", show_default=True, help="Operation logs.")
@click.option(
    "--log-bucket", default="", metavar="NAME[/PREFIX]", help="Keep operation logs in this S3 bucket instead."
)
@click.option("--log-endpoint", default="", metavar="URL", help="Where the bucket is, if not at Amazon.")
@click.option("--log-region", default="", metavar="NAME", help="The bucket's region.  [default: us-east-1]")
@click.option("--log-credentials", default="", metavar="DIR", help="Files AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
@click.option("--log-authority", default="", metavar="FILE", help="PEM certificates that sign the endpoint's.")
@click.option("--log-max-age", default="720h", show_default=True, help="How long logs of ended operations are kept.")
@click.option("--log-max-bytes", default="10Gi", show_default=True, help="How much of them is kept, oldest go first.")
@click.option("--mirrors", default="/var/lib/gitops/mirror", show_default=True, help="Mirrors of Git repositories.")
@click.option("--port", default=8080, show_default=True, help="For probes and metrics.")
@click.option("--log-port", default=8081, show_default=True, help="For operation logs, on loopback only.")
@click.option("--allow-file-sources", is_flag=True, help="Let GitSyncs read file:// URLs: the disk of this process.")
@click.pass_context
def command(context: click.Context, /, **given: object) -> int:
    """Run the reconciler and the worker until told to stop."""
    from gitops_cli import _program

    return _edge.start(_program.run(_shell.of(context), _program.options(given)), lasting=True)
