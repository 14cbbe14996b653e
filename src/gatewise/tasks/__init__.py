"""The jobs: data, model, loss, metrics and baselines brought together, each as an estimator."""
