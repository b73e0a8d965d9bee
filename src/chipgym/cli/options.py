"""Arguments and options that several verbs share, so that they are spelled and explained the same everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

SimulatorName = Annotated[
    str, typer.Argument(metavar="SIMULATOR", help="A registered simulator; see `chipgym list simulators`.")
]
WorkloadNames = Annotated[
    list[str] | None,
    typer.Option(
        "--workload",
        metavar="NAME",
        help="A named workload, a shorthand such as mlp:16-64-5, or a file (model.onnx:height=640 sets what it leaves"
        " open); the simulator's default where left out. Repeatable: of several, metrics are geometric means.",
        show_default=False,
    ),
]
SimulatorOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME=VALUE",
        help="A setting of the simulator, such as technology=22nm; repeatable.",
        show_default=False,
    ),
]
SpaceRestrictions = Annotated[
    list[str] | None,
    typer.Option(
        "--space", metavar="KNOB=VALUES", help="Only these values, as in rows=16,32; repeatable.", show_default=False
    ),
]
Constraints = Annotated[
    list[str] | None,
    typer.Option(
        "--constraint",
        metavar="TEXT",
        help="A limit such as 'area_mm2 <= 10' or 'rows * cols <= 4096'; repeatable.",
        show_default=False,
    ),
]
BackendName = Annotated[
    str,
    typer.Option("--backend", metavar="NAME", help="What does the work: process (see --jobs), or ray (see --workers)."),
]
RayWorkers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        help="Workers of a Ray cluster, for --backend ray; as many as it has CPUs where left out.",
        show_default=False,
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="ADDRESS",
        help="A Ray cluster, as in ray://host:10001, or auto for one that runs on this machine; where left out, one is"
        " started here and ends with the work.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
