"""What numbers, amounts and dates are worth, however they are written."""
