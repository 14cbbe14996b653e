"""Labelled texts: train, judge, explain and predict."""
