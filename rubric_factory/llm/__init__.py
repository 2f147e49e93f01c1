"""Language models behind one protocol: openai_compatible, vllm, local, batch_files, scripted."""
