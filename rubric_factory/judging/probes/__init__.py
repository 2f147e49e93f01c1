"""The probes every judge and rubric set faces before training: one file a family, run together by `run.run_probes`."""
