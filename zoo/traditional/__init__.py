"""scikit-learn pipelines behind the contract of a model, one family per file."""
