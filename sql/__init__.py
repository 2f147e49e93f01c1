"""SQL of the warehouse: migrations/, transforms/, audits/. One statement a file; read through importlib.resources."""
