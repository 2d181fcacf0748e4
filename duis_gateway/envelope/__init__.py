"""Safe XML, the signature profile and schema validation; knows no business."""
