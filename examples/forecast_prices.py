"""Forecast tomorrow's close of four shares, and say whether that beats the last close.

Needs the real prices that `pip install 'gatewise[samples]'` brings.
"""

from gatewise import Forecaster

forecaster = Forecaster(
    cell="gru",
    units=16,
    window=30,
    horizon=1,
    column="Adj Close",
    align="common",  # GOOG was listed later than the others
    transform="last_value",  # learn what to add to the last close
    learning_rate=3e-3,
    batch_size=64,
    epochs=5,
)
forecaster.fit(["sample:AAPL", "sample:GOOG", "sample:IBM", "sample:MSFT"])

verdict = forecaster.result_["verdict"]
print(f"beside {verdict['against']}: {verdict['says']}, MSE x {verdict['ratio']:.3f}, p = {verdict['p']:.2f}")
print(forecaster.predict())
