"""Plays months and years of prices, house load and charging sessions through the strategies."""
