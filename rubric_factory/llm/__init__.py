"""Language models behind one protocol: openai_compatible, vllm, batch_files, scripted."""
