"""The service against its own OpenAPI, by schemathesis: every operation, good and bad data, all checks.

python benchmarks/service_schema.py [--examples 50]
"""

from __future__ import annotations

import argparse
from types import ModuleType

PATIENCE = 300  # seconds for one answer: a busy machine is slow, and slow is not wrong


def check(schemathesis: ModuleType, address: str, examples: int) -> list[str]:
    """What is wrong with the answers; nothing where all is as the OpenAPI says."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st
    from schemathesis.specs.openapi.checks import positive_data_acceptance
    from service_fuzz import seeds

    found: list[str] = []
    pictures = st.sampled_from(seeds()) | st.binary(max_size=100)
    schemathesis.openapi.media_type("application/octet-stream", pictures)
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    for operation in schema.get_all_operations():
        one = operation.ok()

        @settings(
            max_examples=examples, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate],
        )  # fmt: skip
        @given(case=one.as_strategy())
        def ask(case):
            case.call_and_validate(
                excluded_checks=[positive_data_acceptance],  # a schema cannot say what fits a picture
                timeout=PATIENCE,
            )

        try:
            ask()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            causes = [error, *getattr(error, "exceptions", ())]  # Hypothesis hides what failed once in a group
            found += [f"{one.label}: {type(cause).__name__}: {cause}" for cause in causes]
    return found


def main() -> None:
    import schemathesis
    from service_load import started

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=50)
    given = parser.parse_args()
    with started("--pixels", "1M") as (_, host, port):
        wrong = check(schemathesis, f"http://{host}:{port}", given.examples)
    print("\n\n".join(wrong) or f"{given.examples} examples an operation: all as the OpenAPI says")


if __name__ == "__main__":
    main()
