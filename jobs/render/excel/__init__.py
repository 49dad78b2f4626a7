"""The report as a workbook: the counts first, then the rows, sheet by sheet."""
