DROP TABLE catalog.category_tree;
DROP TABLE catalog.category_parents;
DROP TABLE catalog.categories;
